#include "addon/columns.hpp"

#include "addon/binding.hpp"
#include "addon/cookies.hpp"

namespace evp::addon {

namespace {

// A double holds these: all of a descriptor and of an address, and of a timer's id what
// tells it from others.
constexpr uint64_t OBJECT_BITS = (1ull << 53) - 1;

template <class T>
napi_status add_column(napi_env env, napi_value to, const char* name, napi_typedarray_type type,
                       T** data, size_t rows = Columns::ROWS) {
	napi_value buffer, array;
	void* memory = nullptr;
	napi_status rc = napi_create_arraybuffer(env, rows * sizeof(T), &memory, &buffer);
	if (rc != napi_ok) return rc;
	*data = static_cast<T*>(memory);
	rc = napi_create_typedarray(env, type, rows, buffer, 0, &array);
	return rc == napi_ok ? napi_set_named_property(env, to, name, array) : rc;
}

} // namespace

napi_status Columns::make(napi_env env, napi_value* out) {
	napi_status rc = napi_create_object(env, out);
	if (rc == napi_ok) rc = add_column(env, *out, "events", napi_int32_array, &events);
	if (rc == napi_ok) rc = add_column(env, *out, "source", napi_int32_array, &source);
	if (rc == napi_ok) rc = add_column(env, *out, "object", napi_float64_array, &object);
	if (rc == napi_ok) rc = add_column(env, *out, "user", napi_float64_array, &user);
	if (rc == napi_ok) rc = add_column(env, *out, "raw", napi_biguint64_array, &raw);
	if (rc == napi_ok) rc = add_column(env, *out, "start", napi_int32_array, &start_);
	if (rc == napi_ok) rc = add_column(env, *out, "length", napi_int32_array, &length);
	if (rc == napi_ok)
		rc = add_column(env, *out, "bytes", napi_uint8_array, &bytes_, size_t{ROWS} * shm::BLOCK_BYTES);
	if (rc == napi_ok) rc = napi_object_freeze(env, *out); // a column replaced could be collected
	if (rc == napi_ok) rc = napi_create_reference(env, *out, 1, &kept_);
	return rc;
}

void Columns::drop(napi_env env) {
	if (kept_) napi_delete_reference(env, kept_);
}

void* Columns::room(uint32_t event, uint32_t count) {
	if (event >= ROWS || posted_count_ == ROWS) return nullptr;
	posted_[posted_count_++] = event;
	start_[event] = static_cast<int32_t>(filled_);
	length[event] = static_cast<int32_t>(count);
	void* place = bytes_ + filled_;
	filled_ += count;
	return place;
}

void Columns::write(const Event* list, uint32_t count, Binding& reader) {
	for (uint32_t i = 0; i < count; i++) {
		const Event& event = list[i];
		double code = cookie_code(event.user, reader.id);
		events[i] = event.events;
		source[i] = event.pad == EVENT_STANDING ? SOURCE_FILE_STANDING : event.source;
		object[i] = static_cast<double>(event.object & OBJECT_BITS);
		user[i] = code;
		if (code > FOREIGN) [[likely]]
			continue;
		raw[i] = event.user;
		// Of what comes once; the others' values go with their association, timer or alert.
		auto kind = static_cast<SourceKind>(event.source);
		if (code == FOREIGN && (kind == SourceKind::USER || kind == SourceKind::AIO))
			give_back(event.user);
	}
	for (uint32_t i = 0; i < posted_count_; i++) source[posted_[i]] = SOURCE_POSTED;
	posted_count_ = 0;
	filled_ = 0;
}

} // namespace evp::addon
