#include "sys/spin.hpp"

#include <unistd.h>

namespace evp::sys {

bool Habit::several_processors() {
	static const bool several = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	return several;
}

} // namespace evp::sys
