# What the modules' options are when no one sets them; a caller of the functions that has no modules gets the same.
# `null` leaves the matter to the instance's metadata, and where that says nothing to the agent.
let
  both = {
    repository = null;
    branch = null;
    signers = null;
    knownHosts = null;
    dates = null;
    randomizedDelaySec = "1h";
    healthChecks = { };
    healthIgnoreUnits = [ ];
    healthSettle = 10;
    keepGenerations = 10;
    minimumFree = 1024;
    memoryHigh = "60%";
    metricsDirectory = null;
    notify = null;
  };
in
{
  system = both // {
    subdirectory = null;
    directory = null;
    host = null;
    follow = null;
    homes = null;
    deployKeySecret = null;
    deployKeys = null;
    onBoot = "5min";
    watch = true;
    protectMetadata = true;
    activation = "live";
    window = [ ];
    windowDeadline = 7 * 24 * 3600;
    healthAfterReboot = [ "systemd-modules-load.service" ];
    allowReboot = false;
    rebootDeadline = null;
    rebootWindow = null;
    rebootWithUsers = false;
  };

  home = both // {
    attribute = null;
    directory = null;
    onBoot = "10min";
  };
}
