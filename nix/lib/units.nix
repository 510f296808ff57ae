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
    # A kernel without memory most likely kills a build: the agent lives on and says so.
    OOMPolicy = "continue";
    # One that is killed itself goes on by itself; one that fails has said why and has arranged for what comes next. While it waits to
    # be started again a switch leaves it alone as it does one that runs. And every wait is longer than the time that systemd's limit
    # of starts looks back, so that no number of kills is the last.
    Restart = "on-abnormal";
    RestartSec = 30;
    RestartSteps = 6;
    RestartMaxDelaySec = "30min";
    # Every step has a limit of its own; this one is for what no one thought of.
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
            # Not Persistent: what was missed while the machine was off, the timer after boot makes up for.
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
