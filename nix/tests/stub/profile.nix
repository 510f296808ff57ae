# The profile without nixpkgs: the options of each of its files are checked, and what the files say is put together. Without
# priorities, and without the module of the agent, which has tests of its own; where that matters, real/profile.nix tells.
{
  settings,
  around,
  pkgs,
  lib ? import ./lib.nix,
}:

let
  inherit (builtins)
    attrNames
    concatMap
    deepSeq
    filter
    isFunction
    isPath
    mapAttrs
    ;

  read =
    file:
    let
      module = import file;
    in
    if isFunction module then
      module {
        inherit config lib pkgs;
        modulesPath = "";
      }
    else
      module;

  profile = read ../../modules/dev-vm.nix;
  ofProfile = file: isPath file && dirOf file == ../../modules/dev-vm;
  files = [ profile ] ++ map read (filter ofProfile profile.imports);

  options = (lib.mkMerge (map (file: file.options or { }) files)).nixos-fleet;
  said = lib.mkMerge (map (file: file.config or (removeAttrs file [ "imports" ])) files);

  # All options are nixos-fleet.<group>.<option>.
  valueOf =
    group: name: option:
    let
      value = settings.${group}.${name} or option.default;
    in
    if option.type.check value then value else throw "nixos-fleet.${group}.${name} has the wrong type";
  unknown = concatMap (
    group: attrNames (removeAttrs settings.${group} (attrNames (options.${group} or { })))
  ) (attrNames settings);

  nixos-fleet = mapAttrs (group: mapAttrs (valueOf group)) options;
  config = around // {
    inherit nixos-fleet;
  };
in
if unknown != [ ] then
  throw "nixos-fleet has no option ${toString unknown}"
else
  deepSeq nixos-fleet said
