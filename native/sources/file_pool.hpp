// Records by number: what is watched may be very much, and a number is half an address
// and stands in no block of malloc's. 0 is none. Records stay where they are.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace evp::file {

// T has `id`, 0 while it is free; LINK is the pool's then.
template <class T, uint32_t T::* LINK>
class Pool {
public:
	// A record as T() is. bad_alloc.
	T& take() {
		uint32_t id = free_;
		if (id == 0) {
			if (used_ % CHUNK == 0) chunks_.push_back(std::make_unique<T[]>(CHUNK));
			id = used_++;
			if (id == 0) id = used_++; // nobody's
		}
		T& record = (*this)[id];
		if (id == free_) {
			free_ = record.*LINK;
			record.*LINK = 0;
		}
		record.id = id;
		return record;
	}
	void give(T& record) {
		uint32_t id = record.id;
		record = T();
		record.*LINK = free_;
		free_ = id;
	}
	T& operator[](uint32_t id) const { return chunks_[id / CHUNK][id % CHUNK]; }
	// nullptr: 0, or none that is in use.
	T* find(uint32_t id) const {
		if (id == 0 || id >= used_) return nullptr;
		T& record = (*this)[id];
		return record.id != 0 ? &record : nullptr;
	}
	uint32_t end() const { return used_; } // above all numbers in use

private:
	static constexpr uint32_t CHUNK = 64;
	std::vector<std::unique_ptr<T[]>> chunks_;
	uint32_t used_ = 0;
	uint32_t free_ = 0;
};

// Finds records again by a key that they hold themselves: numbers in a table with open
// addressing, at most three quarters full.
class Numbers {
public:
	// The first for which is(number) holds among those with this hash; 0: none.
	template <class Is>
	uint32_t find(uint32_t hash, Is is) const {
		if (table_.empty()) return 0;
		for (uint32_t at = hash;; at++) {
			uint32_t number = table_[at & mask()];
			if (number == 0 || is(number)) return number;
		}
	}
	// hash_of(number) for those that are in already.
	template <class HashOf>
	void add(uint32_t hash, uint32_t number, HashOf hash_of) {
		if ((count_ + 1) * 4 > table_.size() * 3) grow(hash_of);
		put(hash, number);
		count_++;
	}
	template <class HashOf>
	void remove(uint32_t hash, uint32_t number, HashOf hash_of) {
		uint32_t hole = hash & mask();
		while (table_[hole] != number) hole = (hole + 1) & mask();
		// Those behind it move up, unless that would take them above their place.
		for (uint32_t at = (hole + 1) & mask(); table_[at] != 0; at = (at + 1) & mask()) {
			uint32_t from_home = (at - hash_of(table_[at])) & mask();
			if (from_home < ((at - hole) & mask())) continue;
			table_[hole] = table_[at];
			hole = at;
		}
		table_[hole] = 0;
		count_--;
	}

private:
	uint32_t mask() const { return static_cast<uint32_t>(table_.size()) - 1; }
	void put(uint32_t at, uint32_t number) {
		while (table_[at & mask()] != 0) at++;
		table_[at & mask()] = number;
	}
	template <class HashOf>
	void grow(HashOf hash_of) {
		std::vector<uint32_t> former(table_.empty() ? 64 : table_.size() * 2);
		former.swap(table_);
		for (uint32_t number : former)
			if (number != 0) put(hash_of(number), number);
	}

	std::vector<uint32_t> table_;
	size_t count_ = 0;
};

} // namespace evp::file
