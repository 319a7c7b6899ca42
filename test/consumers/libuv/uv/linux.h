/* What of a loop and of a watcher of files is the platform's: as on illumos. */
#include "uv/sunos.h"
