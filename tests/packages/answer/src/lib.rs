//! Exports `answer`, written against Node's C interface.

use std::os::raw::{c_char, c_void};
use std::ptr::null_mut;

type Pointer = *mut c_void;
type Callback = extern "C" fn(Pointer, Pointer) -> Pointer;

extern "C" {
    fn napi_create_int32(env: Pointer, value: i32, result: *mut Pointer) -> i32;
    fn napi_create_function(
        env: Pointer,
        name: *const c_char,
        length: usize,
        callback: Callback,
        data: Pointer,
        result: *mut Pointer,
    ) -> i32;
    fn napi_set_named_property(env: Pointer, object: Pointer, name: *const c_char, value: Pointer) -> i32;
}

extern "C" fn answer(env: Pointer, _info: Pointer) -> Pointer {
    let mut value = null_mut();
    unsafe { napi_create_int32(env, 42, &mut value) };
    value
}

#[no_mangle]
pub extern "C" fn napi_register_module_v1(env: Pointer, exports: Pointer) -> Pointer {
    let (name, mut function) = (c"answer".as_ptr(), null_mut());
    unsafe {
        napi_create_function(env, name, 6, answer, null_mut(), &mut function);
        napi_set_named_property(env, exports, name, function);
    }
    exports
}
