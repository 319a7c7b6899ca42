#pragma once
#include <stdlib.h>

enum { LOADAVG_NSTATS = 3 };
