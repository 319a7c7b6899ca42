// What lies in a port's region. Everything is addressed by index, 0 is "none".
//
// The slots are the truth: state, owner, seq and data of each are enough to
// rebuild free list, queues, table and counters after a death in the middle of
// a change (repair.cpp). So a slot's `state` is stored last when it is made and
// first when it goes.
#pragma once
#include "shm/lock.hpp"

#include <cstddef>

namespace evp::shm {

inline constexpr uint32_t MAGIC = 0x74507645;  // "EvPt"
inline constexpr uint32_t VERSION = 9;
inline constexpr uint32_t MAX_MEMBERS = 1u << HOLDER_TID_SHIFT; // processes at one time
inline constexpr uint32_t MAX_WAITERS = 32768; // threads and loops waiting at one time
inline constexpr uint32_t MAX_BUCKETS = 1u << 20;
inline constexpr uint32_t MAX_BLOCKS = 4096;
inline constexpr uint32_t BLOCK_BYTES = 4096;
inline constexpr uint32_t MAX_LIMIT = 0x7fffffff; // PORT_MAX_EVENTS of illumos (1.13)

// A FIFO of slots. One for events that everyone may have, one a member.
struct QueueWords {
	Cell<uint32_t> head;
	Cell<uint32_t> tail;
	Cell<uint32_t> count;
};

enum class SlotState : uint8_t {
	FREE = 0,
	ARMED = 1,  // associated, nothing happened yet
	QUEUED = 2, // in a queue
	CACHED = 3, // event collected, not associated again: keeps its slot (4.4)
};

// Bits of Slot::flags.
inline constexpr uint16_t SLOT_REGISTERED = 1; // the inner set holds its descriptor
inline constexpr uint16_t SLOT_ALWAYS = 2;     // always ready: no poll method (4.16)
inline constexpr uint16_t SLOT_RETAINED = 4;   // the slot outlives the delivery of its event
inline constexpr uint16_t SLOT_SHARED = 8;     // anyone may retrieve it
inline constexpr uint16_t SLOT_TABLED = 16;    // found by its object in the table
inline constexpr uint16_t SLOT_LATE = 32;      // its source has the last word at delivery
inline constexpr uint16_t SLOT_STANDING = 128; // armed again by the delivery of its event
inline constexpr uint16_t SLOT_BYTES = 64;     // `asked` bytes come with it, in block `link`

struct Slot {
	Cell<SlotState> state;
	Cell<uint8_t> source;   // PORT_SOURCE_*
	Cell<uint16_t> flags;
	Cell<uint32_t> arm;     // counts associations: tells late readiness from present
	Cell<uint64_t> seq;     // order of posting
	Cell<uint64_t> object;
	Cell<uint64_t> user;
	Cell<int32_t> events;   // to be delivered
	Cell<uint32_t> asked;   // requested events
	Cell<uint32_t> owner;   // member
	Cell<uint32_t> next;    // in the queue, or in the free list
	Cell<uint32_t> prev;
	Cell<uint32_t> chain;   // in the bucket of the table
	Cell<uint32_t> link;    // the source's own use
};
static_assert(sizeof(Slot) == 64);

// Bytes of a message. In use exactly while a QUEUED slot refers to it.
union Block {
	Block() = delete;
	CellBytes<BLOCK_BYTES> bytes;
	Cell<uint32_t> next; // in the free list
};
static_assert(sizeof(Block) == BLOCK_BYTES);

enum class MemberState : uint32_t { FREE = 0, JOINING = 1, LIVE = 2 };

struct alignas(64) Member {
	Cell<MemberState> state;
	Cell<int32_t> pid;
	Cell<uint64_t> start_time;
	Cell<uint64_t> nonce;
	Cell<uint64_t> pid_space;  // where pid counts: its namespace's inode, 0 unknown
	Cell<uint32_t> locked;     // holds the record lock on its byte of the region
	QueueWords queue;          // events that only this member may have
	Cell<uint32_t> reserved;   // slots promised to signal handlers (hazard 18)
	Cell<uint32_t> watching;   // private descriptors armed in the inner set
	Cell<uint32_t> fired;      // sources, by bit, whose descriptor another member found ready
	Cell<uint32_t> entitled;   // others' descriptors' events that it may have, as of `looked`
	Cell<uint64_t> looked;     // Header::fd_posted when it last looked
};
static_assert(sizeof(Member) == 128);

// What a waiter was woken for; several bits may come together. It says itself
// where it sleeps, so that a poster knows which system call is needed, if any.
enum Signal : uint32_t {
	SIGNAL_TAKE = 1,   // its nget is satisfied: come and take
	SIGNAL_LEAD = 2,   // become the leader
	SIGNAL_ALERT = 4,  // alert mode; a copy is in the record (3.15)
	SIGNAL_CLOSED = 8, // the descriptor it waits on was closed (2.11.4)
	SIGNAL_LOOK = 64,  // another process came, or whoever looked up has left (core/watch.cpp)
	SLEEPING = 16, // on its futex
	POLLING = 32,  // in the inner set, as the leader
};

enum class WaiterKind : uint32_t {
	FREE = 0,
	THREAD = 1,
	LOOP = 2,
	LOOKING = 3, // a loop that is awake and looks at its word: nobody need ring for it
};

struct Waiter {
	Cell<uint32_t> word;       // Signal bits; the futex
	Cell<WaiterKind> kind;
	Cell<uint32_t> wanted;     // its nget
	Cell<uint32_t> member;
	Cell<uint32_t> next;       // in order of 3.10, or in the free list
	Cell<uint32_t> prev;
	Cell<int32_t> number;      // descriptor the call was made on
	Cell<int32_t> alert_events;
	Cell<uint64_t> alert_user;
	Cell<uint32_t> tid;
	Cell<uint32_t> waker;      // the processor that woke it from its sleep (sys::Yielding); 0: none did
	Cell<uint32_t> awake;      // not asleep when the queue was handed to it: about to be, or a handler runs over it
	uint32_t pad[3];
};
static_assert(sizeof(Waiter) == 64);

struct Header {
	// Written once, before anyone else can see the region.
	Cell<uint32_t> magic;
	Cell<uint32_t> version;
	Cell<uint32_t> limit;      // slots the port may use
	Cell<uint32_t> buckets;    // a power of two
	Cell<uint32_t> strict;     // PORT_STRICT at creation
	Cell<uint32_t> uid;
	Cell<uint32_t> gid;
	Cell<uint64_t> created_ns; // CLOCK_REALTIME
	Cell<uint64_t> bell_tag;   // of the bell in the outer set: unlike any other port's

	// What every message touches, in two lines of the processor's cache: they move with the lock
	// from one processor to the other.
	alignas(128) LockWords lock;
	// Slots.
	Cell<uint32_t> free_head;  // freed first, used again first
	Cell<uint32_t> free_tail;
	Cell<uint32_t> fresh;      // slots from here on were never used
	Cell<uint32_t> committed;  // slots below have memory behind them
	Cell<uint32_t> used;
	Cell<uint32_t> promising;  // not 0: members may have `reserved` slots, counted as used
	Cell<uint32_t> slot_waiters; // threads that wait for a slot, on `used`
	// Queues.
	QueueWords shared;
	Cell<uint32_t> queued;     // in all queues
	Cell<uint64_t> next_seq;
	// Waiters.
	Cell<uint32_t> waiter_first;
	Cell<uint32_t> waiter_count;
	Cell<uint32_t> waiter_free;
	Cell<uint32_t> loops_rung; // event loops signalled and not yet come
	Cell<uint32_t> handed;     // waiter signalled to take, until it has
	Cell<uint32_t> handovers;  // counts them: tells an old one from a new one
	Cell<uint32_t> leader;     // waiter that sleeps in the inner set
	Cell<uint32_t> bell_high;  // what the doorbell's level should be
	// Kernel sources.
	Cell<uint32_t> foreign;    // members with `fired`
	Cell<uint32_t> pollable;   // armed in the inner set: reasons to sleep there
	Cell<uint32_t> uncollected;// something was armed since the last collection
	Cell<uint32_t> since_collect; // events delivered since

	alignas(128) Cell<int32_t> alert_events; // 0: not in alert mode
	Cell<uint64_t> alert_user;
	Cell<uint32_t> alert_member;
	Cell<uint32_t> member_count;
	Cell<uint32_t> kicked;     // the leader's kick is raised, or about to be, and nobody took it
	// Changes of the doorbell not yet seen to take.
	Cell<uint32_t> bell_version;
	Cell<uint32_t> bell_made;  // the version last seen to take
	Cell<uint32_t> leader_beat; // counts the leader's going to sleep
	Cell<uint32_t> rearm;      // a one-shot may have gone with its collector: owners arm again
	Cell<uint64_t> fd_posted;  // counts descriptors' events while several processes share
	// Blocks, as slots.
	Cell<uint32_t> block_free;
	Cell<uint32_t> block_fresh;
	Cell<uint32_t> blocks_committed;
	Cell<uint32_t> arm_counter;
	Cell<uint32_t> fd_used;    // FD was associated at least once (2.3.1)
	Cell<uint32_t> file_used;  // FILE likewise (2.3.3)
	Cell<uint32_t> sweep;      // where the search for closed descriptors goes on
	Cell<uint32_t> waiter_fresh;
	Cell<uint32_t> waiters_committed;
	Cell<uint32_t> buckets_committed;
	Cell<uint32_t> ticketed;   // a ticket was made: the last member out is not the end
	Cell<uint32_t> members_committed;
	Cell<int64_t> looked_at;   // CLOCK_MONOTONIC when somebody last looked for dead members
	Cell<uint64_t> wakeups;
	alignas(64) Cell<uint64_t> delivered[8]; // by source
};
static_assert(offsetof(Header, since_collect) + 4 - offsetof(Header, lock) <= 128);

struct Offsets {
	size_t members, waiters, buckets, slots, blocks, size;
};

// Where the parts lie for a limit; the same in every process.
Offsets offsets_for(uint32_t limit, uint32_t buckets);
uint32_t buckets_for(uint32_t limit);
uint32_t blocks_for(uint32_t limit);

} // namespace evp::shm
