// Events on their way into JavaScript: one row each, in typed arrays that both
// sides hold, so that a batch of any length is one call (toolchain: 8 ns an event
// against 730 for objects made here).
//
// One set an environment; a row is valid until the next call that writes rows.
#pragma once
#include "core/types.hpp"

#include <node_api.h>

namespace evp::addon {

struct Binding;

class Columns {
public:
	static constexpr uint32_t ROWS = 1024;

	// The object { events, source, object, user, raw } for JavaScript.
	napi_status make(napi_env env, napi_value* out);
	// Fills the first rows. Messages of other environments whose value can't be had
	// here are given back to them.
	void write(const Event* list, uint32_t count, Binding& reader);

	int32_t* events = nullptr;
	int32_t* source = nullptr;
	double* object = nullptr;
	double* user = nullptr;
	uint64_t* raw = nullptr;

private:
	napi_ref kept_ = nullptr; // the arrays may not be collected
};

} // namespace evp::addon
