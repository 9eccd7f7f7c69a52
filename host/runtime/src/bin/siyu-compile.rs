//! The compiling process by itself: what a host starts to compile a component, for tests and tools.

fn main() -> std::process::ExitCode {
    siyu_runtime::compile_child_main()
}
