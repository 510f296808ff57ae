# What the options that both modules have must refuse; each is the whole of the module's settings but for `enable`.
[
  { enable = "yes"; }
  { package = "agent"; }
  { gitPackage = "git"; }
  { nodePackage = 22; }
  { repository = "git.example.org/config"; }
  { repository = "file:///srv/config"; }
  { repository = "ext::sh -c id"; }
  { repository = "https://git.example.org/a b"; }
  { branch = ""; }
  { branch = "--upload-pack=id"; }
  { branch = "two words"; }
  { onBoot = 5; }
  { onBoot = null; }
  { onBoot = "soon"; }
  { onBoot = "5 minuets"; }
  { onBoot = "-5min"; }
  { dates = ""; }
  { dates = 7; }
  { dates = "fortnightly"; }
  { dates = "Mon 25:00"; }
  { dates = "04:60"; }
  { dates = "2026-13-01"; }
  { dates = "Mo..Fri 07:00"; }
  { randomizedDelaySec = "-1h"; }
  { randomizedDelaySec = "1 fortnight"; }
  { branches = [ "main" ]; }
  { signers = [ "a" ]; }
  { knownHosts = 7; }
  { healthChecks.web = "true"; }
  { healthChecks.web.command = ""; }
  { healthChecks.web.timeout = 5; }
  {
    healthChecks.web = {
      command = "true";
      timeout = 0;
    };
  }
  { healthSettle = -1; }
  { healthSettle = "soon"; }
  {
    healthChecks.web = {
      command = "true";
      timeout = "1 minuet";
    };
  }
  { healthIgnoreUnits = "sync.service"; }
  { healthIgnoreUnits = [ "" ]; }
  { keepGenerations = 1; }
  { minimumFree = "1G"; }
  { minimumFree = -1; }
  { memoryHigh = "much"; }
  { metricsDirectory = "metrics"; }
  { notify = ""; }
]
