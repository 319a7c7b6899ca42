// A port on its way to another process (design: passing).
//
// A ticket is a socket in whose queue lie the port's descriptors. It can be inherited
// over exec, put into a child's stdio or sent over a socket, redeemed as often as
// wanted and in any namespace, and keeps the port alive while it is open.
//
// A bare number of a port that came without a ticket is recovered where the system
// allows it: after exec, if the port was not close-on-exec; from another process
// that is still there and may be looked into (pidfd_getfd(2)).
#pragma once
#include "core/port.hpp"

namespace evp::ticket {

// A ticket for the port, one of whose numbers is given; close-on-exec. EBADF EMFILE ENFILE ENOMEM ETOOMANYREFS.
Result<int> make(Port& port, int number);

// Number of the port in this process; of a port it has already, one more number.
// EBADF; EINVAL: no ticket; EPROTO: of another version of this library; EBADMSG: its
// contents are not a port; EMFILE ENFILE ENOMEM; EAGAIN: PORT_MAX_PORTS, or too many
// processes have it.
Result<int> redeem(int ticket, bool cloexec);

// The port that a number of this process, unknown so far, may be. EBADFD: it is none,
// or can't be recovered: a ticket is needed.
Result<void> recover(int number);

} // namespace evp::ticket
