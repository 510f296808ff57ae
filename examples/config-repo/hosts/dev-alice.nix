# Alice's machine.
{ virtualisation.podman.enable = true; }
