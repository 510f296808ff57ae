# The network of a VM: which interfaces get an address by DHCP.
{ lib, ... }:
{
  # Compute's interfaces alone: NixOS names them eth0, eth1 and so on (nixos/modules/virtualisation/google-compute-config.nix), or en… with
  # predictable names. By default dhcpcd also takes the interfaces of containers, such as Docker's veth…. No server answers there, so
  # dhcpcd gives them the network 169.254.0.0/16, which hides the metadata server, the VM's name server at 169.254.169.254.
  networking.dhcpcd.allowInterfaces = lib.mkOverride 900 [
    "eth*"
    "en*"
  ];
}
