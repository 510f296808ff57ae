# What of a project's metadata concerns this VM: the watcher acts when this changes.
# in: { contract, vm, instance: text, attributes: { key: text } }
include "fleet";

def concern:
  . as $in
  | (.instance | instance($in.contract)) as $instance
  | if $instance == null then null
    else
      ($in.attributes | approvals($in.contract; $instance) | at($instance.wave)) as $own
      | ($in.attributes | control($in.contract; $instance)) as $control
      # With the wave: a VM that changes its wave acts on the new one's approval, even if the old one had the same.
      | { wave: $instance.wave, approval: $own }
        + if $control == null then { control: "not readable" }
          else {
            holds: ($control | holds_on($in.vm; $instance.wave; $own | at("revision"))),
            pin: ($control.pins | at($in.vm)),
            instead: ($control.instead | at($instance.wave)),
            retry: $control.retry
          } end
    end;
