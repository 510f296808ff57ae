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
  # What a person sets for their own Node is not for this one.
  unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS
  # A small script waits; it runs this program for all else.
  [ "''${1-}" != watch ] || exec ${shell} ${bundle}/watch.sh "$0"
  exec ${node} ${bundle}/agent.cjs ${name} "$@"
''
