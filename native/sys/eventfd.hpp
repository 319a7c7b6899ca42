// eventfd(2): a level that stays high between raise and lower.
#pragma once
#include "sys/fd.hpp"

namespace evp::sys {

Result<UniqueFd> eventfd_create();
// It can't block its user, nor end it by a signal.
bool eventfd_usable(int fd);
void eventfd_raise(int fd); // always an edge for EPOLLET watchers, also when high
void eventfd_lower(int fd);

} // namespace evp::sys
