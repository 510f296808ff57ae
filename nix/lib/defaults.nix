# What the modules' options are when nobody sets them; a caller of the functions that has no modules gets the same.
# `null` leaves the matter to the instance's metadata, and where that says nothing to the agent.
{
  system = {
    repository = null;
    branch = null;
    directory = null;
    host = null;
    follow = null;
    onBoot = "5min";
    schedule = null;
    randomizedDelay = "1h";
    watch = true;
  };

  home = {
    attribute = null;
    repository = null;
    branch = null;
    onBoot = "10min";
    schedule = null;
    randomizedDelay = "1h";
  };
}
