# shellcheck shell=bash
# The parts that both agents are made of.

# What they write everybody may read, whoever starts them; secrets are written under a umask of their own.
umask 022

# shellcheck source=log.bash
. "$agent_dir/log.bash"
# shellcheck source=contract.bash
. "$agent_dir/contract.bash"
# shellcheck source=files.bash
. "$agent_dir/files.bash"
# shellcheck source=options.bash
. "$agent_dir/options.bash"
# shellcheck source=lock.bash
. "$agent_dir/lock.bash"
# shellcheck source=retry.bash
. "$agent_dir/retry.bash"
# shellcheck source=trigger.bash
. "$agent_dir/trigger.bash"
# shellcheck source=git.bash
. "$agent_dir/git.bash"
# shellcheck source=credentials.bash
. "$agent_dir/credentials.bash"
# shellcheck source=trust.bash
. "$agent_dir/trust.bash"
# shellcheck source=space.bash
. "$agent_dir/space.bash"
# shellcheck source=prebuilt.bash
. "$agent_dir/prebuilt.bash"
# shellcheck source=build.bash
. "$agent_dir/build.bash"
# shellcheck source=profile.bash
. "$agent_dir/profile.bash"
# shellcheck source=health.bash
. "$agent_dir/health.bash"
# shellcheck source=trial.bash
. "$agent_dir/trial.bash"
# shellcheck source=engine.bash
. "$agent_dir/engine.bash"
# shellcheck source=conclude.bash
. "$agent_dir/conclude.bash"
# shellcheck source=commands.bash
. "$agent_dir/commands.bash"
