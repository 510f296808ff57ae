# What the units of both agents have in common.
{
  # Limits the impact on interactive users. Not the idle CPU class: a switch that gets no CPU time
  # leaves services stopped for as long.
  quiet = {
    Nice = 19;
    CPUSchedulingPolicy = "batch";
    IOSchedulingClass = "idle";
  };

  # One run.
  run = memoryHigh: {
    Type = "oneshot";
    MemoryHigh = memoryHigh;
    # When memory runs out, the kernel most likely kills a build. The agent then continues and reports that.
    OOMPolicy = "continue";
    # systemd starts a killed run again. A run that fails has reported why and arranged its own retry. A switch leaves a run that waits
    # for its restart alone, as it does one that is active. Every wait is longer than DefaultStartLimitIntervalSec=, so that no number of
    # kills reaches systemd's limit of starts.
    Restart = "on-abnormal";
    RestartSec = 30;
    RestartSteps = 6;
    RestartMaxDelaySec = "30min";
    # Every step has its own limit; this one catches everything else.
    TimeoutStartSec = "6h";
  };

  # The timers of one service, by name. Two, because systemd spreads every trigger of a timer by its RandomizedDelaySec:
  # the calendar's must be spread over the fleet, the one after boot must not be.
  timers =
    {
      name,
      description,
      onBoot,
      dates,
      randomizedDelaySec,
    }:
    {
      ${name} = {
        description = "${description} after boot";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          # Not OnBootSec: that one fires at once, inside the switch, when a switch installs it on a machine that has
          # been up for longer.
          OnActiveSec = onBoot;
          AccuracySec = "1s";
          Unit = "${name}.service";
        };
      };
    }
    // (
      if dates == null then
        { }
      else
        {
          "${name}-schedule" = {
            description = "${description} on schedule";
            wantedBy = [ "timers.target" ];
            # Not Persistent: the timer after boot makes up for what the machine missed while it was off.
            timerConfig = {
              OnCalendar = dates;
              RandomizedDelaySec = randomizedDelaySec;
              FixedRandomDelay = true;
              Unit = "${name}.service";
            };
          };
        }
    );
}
