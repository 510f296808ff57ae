# The defaults of the modules' options, also for a caller of these functions without modules. `null`: the instance's metadata decides,
# or else the agent.
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
