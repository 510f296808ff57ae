# service -> imports, for the names that options had before.
lib: service:
let
  renamed =
    from: to:
    lib.mkRenamedOptionModule
      [
        "services"
        service
        from
      ]
      [
        "services"
        service
        to
      ];
in
[
  (renamed "schedule" "dates")
  (renamed "randomizedDelay" "randomizedDelaySec")
]
