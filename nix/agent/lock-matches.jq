# Whether two flake.locks lock the same nixpkgs and home-manager. in (slurped): both, out: true or false

# An input is a node's name, or the path of inputs that it follows.
def node($lock; $input):
  if ($input | type) == "string" then $input
  else reduce $input[] as $name ($lock.root; node($lock; $lock.nodes[.].inputs[$name])) end;

def locked($name):
  . as $lock
  | .nodes[.root].inputs[$name]
  | if . == null then null else $lock.nodes[node($lock; .)].locked.narHash end;

length == 2 and (map([locked("nixpkgs"), locked("home-manager")]) | .[0] == .[1])
