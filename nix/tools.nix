# What working on this repository takes, beside Nix itself.
pkgs: [
  pkgs.git
  pkgs.google-cloud-sdk
  pkgs.jq
  pkgs.nixfmt
  pkgs.nodejs_24
  # Comes with the providers' plugins of its own release. Where package.json names another version of one, the
  # first `pulumi up` fetches that.
  pkgs.pulumi-bin
  pkgs.shellcheck
  pkgs.shfmt
]
