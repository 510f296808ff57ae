# The text of the program `name`: the agent under Node, with what it runs on PATH. `bundle` is a folder with agent.cjs and watch.sh.
{
  name,
  shell,
  node,
  bundle,
  # A shell's assignment to PATH.
  path,
}:
''
  #!${shell}
  export ${path}
  # Variables that a person sets for their own Node must not affect the agent.
  unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS
  # The watcher is a shell script, which needs less memory than Node. It runs this program for everything else.
  [ "''${1-}" != watch ] || exec ${shell} ${bundle}/watch.sh "$0"
  exec ${node} ${bundle}/agent.cjs ${name} "$@"
''
