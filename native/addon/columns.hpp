// Events on their way into JavaScript: one row each, in typed arrays that both
// sides hold, so that a batch of any length is one call (toolchain: 8 ns an event
// against 730 for objects made here).
//
// One set an environment; a row is valid until the next call that writes rows.
#pragma once
#include "core/types.hpp"
#include "shm/layout.hpp"

#include <node_api.h>

namespace evp::addon {

struct Binding;

class Columns final : public ByteSink {
public:
	static constexpr uint32_t ROWS = 1024;
	// In `source`: a message with bytes, `length` of them, from `start` on in `bytes`.
	static constexpr int32_t SOURCE_POSTED = 8;
	// A file whose association stands.
	static constexpr int32_t SOURCE_FILE_STANDING = 9;

	// The object { events, source, object, user, raw, start, length, bytes } for JavaScript.
	napi_status make(napi_env env, napi_value* out);
	// Nothing is written any more.
	void drop(napi_env env);
	// Fills the first rows. Messages of other environments whose value can't be had
	// here are given back to them.
	void write(const Event* list, uint32_t count, Binding& reader);
	void* room(uint32_t event, uint32_t count) override;

	int32_t* events = nullptr;
	int32_t* source = nullptr;
	double* object = nullptr;
	double* user = nullptr;
	uint64_t* raw = nullptr;
	int32_t* length = nullptr;

private:
	int32_t* start_ = nullptr;
	uint8_t* bytes_ = nullptr; // memory behind it as far as it was ever filled
	uint32_t filled_ = 0;
	uint32_t posted_[ROWS];    // rows with bytes
	uint32_t posted_count_ = 0;
	napi_ref kept_ = nullptr; // the arrays may not be collected
};

} // namespace evp::addon
