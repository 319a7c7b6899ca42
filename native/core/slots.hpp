// Slots and queues of a port: what bounds everything and orders everything.
// All with the port's lock held.
#pragma once
#include "core/types.hpp"
#include "shm/region.hpp"

namespace evp::slots {

using shm::Region;
using shm::Slot;
using shm::SlotState;

// A free slot's index, 0 with *error ENOMEM (memory) or EAGAIN (limit) (12.5).
// Its state stays FREE until publish().
uint32_t take(Region& region, int* error);

// Makes a filled slot exist: everything but `state` was stored before.
void publish(Region& region, uint32_t index, SlotState state);

// Frees a slot that is in no queue and in no table.
void release(Region& region, uint32_t index);

// Puts a slot at the tail of the queue it belongs to, as QUEUED.
void enqueue(Region& region, uint32_t index);

// Takes a QUEUED slot out of its queue; its new state is the caller's to store.
void dequeue(Region& region, uint32_t index);

// The oldest event that `member` may have, 0 if none.
uint32_t oldest(Region& region, uint32_t member);

// How many events `member` may have.
uint32_t deliverable(Region& region, uint32_t member);

// The table: slots found by their object (an fd number, an address).
void table_insert(Region& region, uint32_t index);   // its bucket must be backed
void table_remove(Region& region, uint32_t index);
uint32_t table_find(Region& region, uint8_t source, uint64_t object, uint32_t owner);
uint32_t table_find_other(Region& region, uint8_t source, uint64_t object, uint32_t owner);
uint64_t table_hash(uint8_t source, uint64_t object);

} // namespace evp::slots
