# The NixOS module's cases about who reaches the metadata server: see modules.nix for what is done with them.
{ trusting, writeText }:

let
  rules = (import ../../lib).metadataRules;
  firewall = config: config.systemd.services.metadata-firewall.serviceConfig.ExecStart;
  load =
    name: text:
    "/nix/store/00000000000000000000000000000000-nftables/bin/nft --file ${writeText name text}";

  # What the files of rules have to say, in full: any other user reaches the server at neither address.
  closedBut =
    users:
    let
      rule =
        address:
        "  ${address} tcp dport 80 meta skuid != ${users} counter reject with tcp reset\n"
        + "  ${address} tcp dport 80 meta skuid ${users} accept\n"
        # A socket without a user.
        + "  ${address} tcp dport 80 tcp flags & (syn | ack) == syn counter reject with tcp reset\n";
    in
    "chain output {\n  type filter hook output priority filter; policy accept;\n"
    + rule "ip daddr 169.254.169.254"
    + rule "ip6 daddr fd20:ce::254"
    + "}\n";
  emptied = "table inet nixos-fleet-metadata\ndelete table inet nixos-fleet-metadata\n";
  closedFile = users: "${emptied}table inet nixos-fleet-metadata {\n${closedBut users}\n}\n";
  isClosedBut =
    users: config:
    firewall config == [
      (load "root-only.nft" (closedFile "0"))
      (load "metadata.nft" (closedFile users))
    ]
    &&
      config.systemd.services.metadata-firewall.serviceConfig.ExecReload
      == load "metadata.nft" (closedFile users);
in
[
  {
    name = "the metadata server closed by rules of its own";
    holds =
      config:
      isClosedBut "{ root, nscd, nobody }" config
      && config.systemd.services.metadata-firewall.reloadIfChanged
      && !(config.systemd.services ? nftables)
      && (config.networking.nftables.tables or { }) == { };
  }
  {
    name = "the metadata server closed where root alone looks up names and keys";
    around = {
      services.nscd = {
        enable = false;
        user = "nscd";
      };
      services.openssh.authorizedKeysCommandUser = "root";
    };
    holds = isClosedBut "{ root }";
  }
  {
    name = "the metadata server closed on a machine without OS Login";
    around.security.googleOsLogin.enable = false;
    holds = isClosedBut "{ root, nscd }";
  }
  {
    name = "the metadata server open to a service's user as well";
    settings.metadataUsers = [
      "vector"
      "nscd"
    ];
    around.users.users = {
      nscd.isSystemUser = true;
      vector.isSystemUser = true;
    };
    holds = isClosedBut "{ root, nscd, nobody, vector }";
  }
  {
    name = "the metadata server closed by NixOS' nftables";
    around.networking.nftables.enable = true;
    holds =
      config:
      !(config.systemd.services ? metadata-firewall)
      &&
        config.networking.nftables.tables.nixos-fleet-metadata.content == closedBut "{ root, nscd, nobody }"
      && config.systemd.services.nftables.after == rules.after
      && config.networking.nftables.preCheckRuleset != "";
  }
  {
    name = "the metadata server open to all, and developers trusted";
    settings.protectMetadata = false;
    around = trusting [ "*" ];
    # A unit that replaces the rules by none: one that went away would leave them.
    holds =
      config:
      firewall config == [
        (load "root-only.nft" (closedFile "0"))
        (load "metadata.nft" emptied)
      ]
      && config.systemd.services.metadata-firewall.reloadIfChanged;
  }
]
