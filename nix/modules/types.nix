# Types that the options need and `lib.types` lacks. Text that systemd, git or Google would refuse is refused when the configuration is
# evaluated, where its author sees it.
{ lib }:

let
  inherit (lib) types;

  text = pattern: description: types.strMatching pattern // { inherit description; };

  # systemd.time(7), a number of each kind: `*`, `3`, `1..5`, each with a repetition, in lists.
  field =
    number:
    let
      value = "([*]|(${number})([.][.](${number}))?)(/[0-9]+)?";
    in
    "${value}(,${value})*";
  weekday = "([Mm]on(day)?|[Tt]ue(sday)?|[Ww]ed(nesday)?|[Tt]hu(rsday)?|[Ff]ri(day)?|[Ss]at(urday)?|[Ss]un(day)?)";
  days = "${weekday}([.][.]${weekday})?";
  weekdays = "${days}(,${days})*";
  date = "(${field "[0-9]{4}"}-)?${field "0?[1-9]|1[0-2]"}[-~]${field "0?[1-9]|[12][0-9]|3[01]"}";
  time = "${field "[01]?[0-9]|2[0-3]"}:${field "[0-5]?[0-9]"}(:${field "[0-5]?[0-9]"})?";
  moment = "${date}|${time}|(${date})[ T]${time}";
  keyword = "minutely|hourly|daily|weekly|monthly|quarterly|semiannually|yearly|annually";
  zone = "UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+";

  timeOfWindow = "([01]?[0-9]|2[0-3]):[0-5][0-9]";

  unit = "(usec|us|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w|months?|M|years?|y)";
in
{
  absolutePath = text "/[^ \n]*" "absolute path";

  timeOfDay = text "([01][0-9]|2[0-3]):[0-5][0-9]" "time of day, HH:MM";

  timeSpan = text "([0-9]+([.][0-9]+)? *${unit}? *)+" "time span, such as \"5min\" or \"1h 30min\"";

  # Like timeSpan, for what the agent counts itself: nix/lib/seconds.nix makes a number of it.
  duration =
    least:
    types.either least (
      text (import ../lib/seconds.nix).pattern "time span, such as \"90s\", \"15min\" or \"1h 30min\""
    );

  calendarEvent = text "(${keyword}|${weekdays}|(${weekdays} +)?(${moment}))( +(${zone}))?" "calendar event, such as \"weekly\" or \"Mon..Fri 07:00\"";

  # rules/decision/window.ts reads the same, except for the zones: which exist is not known here, so the new agent's self-test checks them.
  window = text "(${weekdays} +)?${timeOfWindow}-(${timeOfWindow}|24:00)( +(${zone}))?" "weekly window, such as \"Mon..Fri 22:00-05:00\"";

  unitName = text "[a-zA-Z0-9:_.@*\\\\-]+[.](service|socket|mount|automount|swap|path|timer|target|slice)" "name of a systemd unit; * stands for any text";

  memorySize = text "[0-9]+[KMGT]?|[0-9]+%|infinity" "size, such as \"2G\" or \"60%\"";

  # What the agent's git takes: no local path and no remote helper.
  repository = text "(https?|ssh|git)://[^ \n]+|[^/:@ \n]+@[^/: \n]+:[^ \n]+" "URL of a git repository (https, http, ssh or git)";

  branch = text "[^] ~^:?*\\[-][^] ~^:?*\\[]*" "name of a git branch";

  # As nixos-fleet:subdirectory (infra/config/repository/git.ts).
  subdirectory = text "[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*" "folder of the repository, such as \"nixos\" or \"infra/nixos\"";

  host = text "[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?" "name among the repository's nixosConfigurations";

  # rules/instance-metadata.ts takes the same.
  userName = text "[a-z_][a-z0-9_-]{0,31}" "name of a user";

  # Where a key is shown; rules/deploy-keys.ts reads the same.
  keyPlace = "((https|ssh)://([^@/: ]+@)?)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[^ ]*)?|[A-Za-z0-9_.-]+@[A-Za-z0-9][A-Za-z0-9.-]*:[^ ]+";

  secret = text "projects/[^/]+/secrets/[^/]+(/versions/[^/]+)?" "secret, such as \"projects/P/secrets/S\"";
}
