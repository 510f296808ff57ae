# The startup script that the Pulumi program gives a VM.
{ pkgs }: pkgs.writeText "startup-script" (builtins.readFile ../../../infra/startup.sh)
