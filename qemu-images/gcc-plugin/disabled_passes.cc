// A gcc plugin that keeps passes from running: its arguments are their names, as -fdump-passes prints them.
//
// gcc's own option for that, -fdisable-rtl-NAME, does not know the passes that a back end registers for itself: it is read
// before they are. PLUGIN_START_UNIT is behind both.

#include "gcc-plugin.h"
#include "plugin-version.h"
#include "tree-pass.h"

int plugin_is_GPL_compatible;

static void disable_passes(void *, void *data)
{
	const plugin_name_args *info = static_cast<plugin_name_args *>(data);

	for (int i = 0; i < info->argc; i++)
		disable_pass(info->argv[i].key);
}

int plugin_init(plugin_name_args *info, plugin_gcc_version *version)
{
	if (!plugin_default_version_check(version, &gcc_version))
		return 1;
	register_callback(info->base_name, PLUGIN_START_UNIT, disable_passes, info);
	return 0;
}
