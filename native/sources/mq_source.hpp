// PORT_SOURCE_MQ: what the port sees of it.
//
// One socket a port and process, made at the first registration, to which the kernel
// says how each of them ended (sys/mq_notice.hpp). A registration holds a slot, CACHED
// until it fires, then QUEUED and free with its retrieval.
// Locks: the port's, then the table's; the system calls are made with neither.
// Fork: a child closes its copy of the socket and reads nothing from it.
#pragma once
#include "core/source.hpp"
#include "sources/mq_table.hpp"
#include "sys/fd.hpp"

namespace evp::mq {

class MqSource final : public Source {
public:
	SourceKind kind() const override { return SourceKind::MQ; }
	void collect(Port& port) override;
	bool reclaim(Port& port) override { return read(port); }
	void close(Port& port) override;
	void revive(Port&) override { box_.reset(); }

	// Registers. EAGAIN: no slot, or no room in the socket; EBADF EBUSY ENOMEM ENOSYS EMFILE ENFILE.
	Result<void> ask(Port& port, mqd_t queue, uint64_t user);
	// Takes in what the kernel has said by now. True: a slot is free again.
	bool read(Port& port);

private:
	struct Box {
		~Box();
		sys::UniqueFd fd;
		uint32_t room = 0;    // for registrations
		uint32_t pending = 0; // of which the end was not read
	};
	std::shared_ptr<Box> box(Table& table); // null: none yet
	Result<std::shared_ptr<Box>> need_box(Port& port, Table& table);
	int reserve(Port& port, Table& table, const std::shared_ptr<Box>& box, Owned& made, uint64_t* id);
	bool ended(Port& port, Table& table, uint64_t id, bool arrived);

	std::shared_ptr<Box> box_; // under the table's lock
};

} // namespace evp::mq
