// The lock of a region: between processes, surviving the death of its holder.
//
// A futex word in the kernel's robust protocol, announced by the thread's
// list_op_pending only: no pointer ever lies in shared memory (hazard 5). The
// holder's member index lies beside it, because a thread id means nothing in
// another pid namespace (hazard 6): a death mark is believed only when that
// member is dead. Held for some ten nanoseconds, never over a system call.
#pragma once
#include "shm/cell.hpp"
#include "sys/thread.hpp"

namespace evp::shm {

struct LockWords {
	Cell<uint32_t> word;   // 0 free, else the holder's tid with the bits of futex(2)
	Cell<uint32_t> holder; // member index, 0 while unknown
};

// Answers whether a member has died; asked on the slow path only.
class Liveness {
public:
	virtual bool member_dead(uint32_t index) = 0;

protected:
	~Liveness() = default;
};

// Enters the critical section. True: the former holder died inside it, so the
// caller must repair what the lock guards before anything else.
bool lock(LockWords& words, sys::Thread& thread, uint32_t member, Liveness& liveness);
void unlock(LockWords& words, sys::Thread& thread);

} // namespace evp::shm
