# Alice's machine.
{
  networking.hostName = "dev-alice";
  users.users.alice.isNormalUser = true;
}
