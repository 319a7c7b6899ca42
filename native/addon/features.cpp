#include "addon/features.hpp"

#include "sys/features.hpp"

namespace evp::addon {

namespace {

// An object: 0, or the errno, by name.
Napi::Value features(const Napi::CallbackInfo& info) {
	Napi::Object answer = Napi::Object::New(info.Env());
	for (const sys::Feature& feature : sys::probe_features())
		answer[feature.name] = Napi::Number::New(info.Env(), feature.error);
	return answer;
}

} // namespace

void register_features(Napi::Env env, Napi::Object exports) {
	exports["features"] = Napi::Function::New<features>(env, "features");
}

} // namespace evp::addon
