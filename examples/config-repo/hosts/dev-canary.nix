# The canary: what the fleet runs first, and nobody's desk.
{ }
