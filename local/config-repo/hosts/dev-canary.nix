# The canary: what the fleet runs first, and no one's desk.
{ networking.hostName = "dev-canary"; }
