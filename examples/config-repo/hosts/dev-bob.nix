# Bob's machine.
{
  networking.hostName = "dev-bob";
  users.users.bob.isNormalUser = true;
}
