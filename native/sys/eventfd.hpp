// eventfd(2): a level that stays high between raise and lower.
#pragma once
#include "sys/fd.hpp"

namespace evp::sys {

Result<UniqueFd> eventfd_create();
// It can't block its user, nor end it by a signal. All files without a name of their own have one inode, by which it is
// known: those of them that can't be written to say so, where a pipe or a socket would raise SIGPIPE.
bool eventfd_usable(int fd, const FileId& nameless);
void eventfd_raise(int fd); // always an edge for EPOLLET watchers, also when high
void eventfd_lower(int fd);

} // namespace evp::sys
