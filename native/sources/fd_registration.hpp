// A descriptor's association: its slot, and what the kernel knows of it.
#pragma once
#include "core/port.hpp"
#include "core/tags.hpp"

namespace evp::fd {

inline constexpr uint8_t FD = static_cast<uint8_t>(SourceKind::FD);

struct Armed {
	uint32_t index;
	uint32_t arm;
	uint32_t owner;  // member
	bool registered; // the kernel knew this number when it was last armed
	bool fresh;      // the slot was made for this association
	int error = 0;   // why it is not armed
	bool waited = false; // it was armed before: news of it may lie in the kernel, in the place it had
};

// Ends whatever the slot was doing, keeping the slot. Locked.
shm::SlotState disarm(Port& port, uint32_t index);
// Disarms and frees. Locked.
shm::SlotState drop(Port& port, uint32_t index);

// At the limit: associations whose descriptor was closed where no one saw it
// give up their slots (14.1.11).
bool sweep_closed(Port& port, uint32_t most);

// The kernel's side: MOD where it should be known, ADD where not. 0 or errno.
int enter_kernel(Port& port, int fd, uint32_t asked, const Armed& armed);

// Another thread armed or dissociated this descriptor while we were at the kernel:
// brings the registration in line with what the slots say now.
void reconcile(Port& port, int fd, uint32_t owner);

// Loads the kernel's one shot of an association again. Who associates registers and who dissociates
// deletes, here nobody does either.
void reload(Port& port, int fd);

// Whether the slot is as it was armed. Not if a message has it by now, which leaves the number of the
// association as it was.
inline bool still(Port& port, uint64_t tag) {
	shm::Slot& slot = port.region().slot(tag_index(tag));
	return slot.arm.load_acquire() == tag_arm(tag) && slot.source.load() == FD &&
	       slot.state.load() != shm::SlotState::FREE;
}
inline bool still(Port& port, const Armed& armed) { return still(port, tag_slot(armed.index, armed.arm)); }

} // namespace evp::fd
