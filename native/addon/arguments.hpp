// The arguments of one call. lib/ has checked their types.
#pragma once
#include <cstddef>
#include <cstdint>
#include <node_api.h>
#include <string>

namespace evp::addon {

template <size_t COUNT>
class Numbers {
public:
	Numbers(napi_env env, napi_callback_info info, void** data = nullptr) : env_(env) {
		size_t count = COUNT;
		napi_get_cb_info(env, info, &count, values_, nullptr, data);
	}
	int32_t int32(size_t index) const {
		int32_t value = -1;
		napi_get_value_int32(env_, values_[index], &value);
		return value;
	}
	double number(size_t index) const {
		double value = 0;
		napi_get_value_double(env_, values_[index], &value);
		return value;
	}
	bool boolean(size_t index) const {
		bool value = false;
		napi_get_value_bool(env_, values_[index], &value);
		return value;
	}
	napi_value operator[](size_t index) const { return values_[index]; }

private:
	napi_env env_;
	napi_value values_[COUNT]{};
};

inline napi_value answer(napi_env env, int64_t value) {
	napi_value result = nullptr;
	if (value >= INT32_MIN && value <= INT32_MAX)
		napi_create_int32(env, static_cast<int32_t>(value), &result);
	else
		napi_create_double(env, static_cast<double>(value), &result);
	return result;
}

inline std::string text_of(napi_env env, napi_value value) {
	size_t length = 0;
	if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return {};
	std::string text(length, '\0');
	napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
	return text;
}

// A path: mostly short, then without memory of its own.
class Text {
public:
	Text(napi_env env, napi_value value) {
		size_t length = 0;
		if (napi_get_value_string_utf8(env, value, short_, sizeof short_, &length) != napi_ok)
			short_[0] = 0;
		if (length + 4 < sizeof short_) return; // it stops before a character that doesn't fit
		long_ = text_of(env, value);
		text_ = long_.c_str();
	}
	Text(const Text&) = delete;
	const char* get() const { return text_; }

private:
	char short_[256];
	std::string long_;
	const char* text_ = short_;
};

} // namespace evp::addon
