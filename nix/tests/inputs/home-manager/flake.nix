{
  description = "Stands in for Home Manager where only the outputs' shapes matter";

  inputs.nixpkgs.url = "nixpkgs";

  outputs = _: {
    lib.homeManagerConfiguration =
      {
        modules,
        pkgs,
        extraSpecialArgs ? { },
      }:
      {
        inherit modules;
        activationPackage = pkgs.writeText "home" "";
      };
  };
}
