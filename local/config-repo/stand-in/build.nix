# Derivations that need nothing but the machine's own shell.
rec {
  # name -> { files, executables: path -> text; links: path -> target; commands: shell } -> a tree of all these.
  tree =
    name:
    {
      files ? { },
      executables ? { },
      links ? { },
      commands ? "",
    }:
    derivation {
      inherit
        name
        files
        executables
        links
        commands
        ;
      system = "x86_64-linux";
      builder = "/bin/bash";
      args = [ ./build.sh ];
      __structuredAttrs = true;
    };

  # name -> text -> the path of an executable bash script.
  script = name: text: "${tree name { executables.run = "#!/bin/bash\nset -e\n${text}"; }}/run";
}
