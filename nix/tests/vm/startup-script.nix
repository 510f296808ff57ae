# The startup script that the Pulumi program gives a VM, rendered by the program's own function.
{ pkgs }:

let
  inherit (pkgs) lib;
  source = lib.fileset.toSource {
    root = ../../..;
    fileset = lib.fileset.unions [
      ../../../contract.json
      ../../../infra/startup.ts
      ../../agent
    ];
  };
in
pkgs.runCommand "startup-script"
  {
    nativeBuildInputs = [
      pkgs.esbuild
      pkgs.nodejs
    ];
  }
  ''
    cp -r --no-preserve=mode ${source}/. .
    esbuild infra/startup.ts --bundle --platform=node --outfile=infra/startup.js
    node -e 'const { agentFiles, renderStartupScript } = require("./infra/startup.js")
      process.stdout.write(renderStartupScript(agentFiles()))' >$out
  ''
