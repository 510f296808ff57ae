# nftables rules by which only these users reach the metadata server: it answers whoever asks on the machine, gives out the service
# account's token, and takes guest attributes, the update's reports among them.
#
# Only its HTTP is closed. The same address is the machine's name server and time server, which everybody needs.
#
# Who must reach it: root (the guest agent, Google's script runner, the update agent, PAM of OS Login within sshd), and where OS Login
# is on, who looks up its names and keys: the name service daemon, since NixOS has every lookup done by it
# (nixos/modules/config/nsswitch.nix: no NSS module is loaded into a process of its own), and as whom sshd runs OS Login's
# AuthorizedKeysCommand (nixos/modules/security/google_oslogin.nix: `nobody`, in newer nixpkgs root).
let
  inherit (builtins) concatStringsSep;

  table = "nixos-fleet-metadata";

  chain = users: ''
    chain output {
      type filter hook output priority filter; policy accept;
      ip daddr 169.254.169.254 tcp dport 80 meta skuid != { ${concatStringsSep ", " users} } counter reject with tcp reset
      ip6 daddr fd20:ce::254 tcp dport 80 meta skuid != { ${concatStringsSep ", " users} } counter reject with tcp reset
    }
  '';
in
{
  inherit table;

  # users -> what the table holds, for who keeps the tables.
  inherit chain;

  # users -> a file for `nft --file`, which replaces the table in one step.
  ruleset = users: ''
    table inet ${table}
    delete table inet ${table}
    table inet ${table} {
    ${chain users}
    }
  '';
}
