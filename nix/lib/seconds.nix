# Seconds: a number of them, or a time span in the words of systemd.time(7) and of the stack's settings, such as "15min", "4h" or
# "1h 30min". The agent reads numbers. Calendar units (months, years) and fractions are left out: no setting of the agent needs them.
let
  inherit (builtins)
    concatStringsSep
    elemAt
    filter
    foldl'
    fromJSON
    isInt
    isList
    listToAttrs
    split
    ;

  unitNames =
    value:
    map (name: {
      inherit name value;
    });
  units = listToAttrs (
    unitNames 1 [
      "s"
      "sec"
      "second"
      "seconds"
    ]
    ++ unitNames 60 [
      "m"
      "min"
      "minute"
      "minutes"
    ]
    ++ unitNames 3600 [
      "h"
      "hr"
      "hour"
      "hours"
    ]
    ++ unitNames 86400 [
      "d"
      "day"
      "days"
    ]
    ++ unitNames (7 * 86400) [
      "w"
      "week"
      "weeks"
    ]
  );
  part = "([1-9][0-9]{0,6}) *(${concatStringsSep "|" (builtins.attrNames units)})";
in
{
  # What a text must match.
  pattern = "${part}( *${part})*";

  of =
    value:
    let
      add = sum: found: sum + fromJSON (elemAt found 0) * units.${elemAt found 1};
    in
    if isInt value then value else foldl' add 0 (filter isList (split part value));
}
