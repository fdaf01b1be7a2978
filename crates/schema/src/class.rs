//! The numeric type code of an argument.

/// What an argument is, as one byte that is quick to switch on.
///
/// The codes are stable: they are printed by `list` and may be stored. New ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// A plain number.
    Int = 0,
    /// A number of bytes or of elements.
    Size = 1,
    /// A file descriptor.
    Fd = 2,
    /// A directory descriptor that paths start from, or `AT_FDCWD`.
    AtFd = 3,
    /// A process, thread or process group.
    Pid = 4,
    /// A user, group or other owner.
    Id = 5,
    /// An address that is not followed.
    Addr = 6,
    /// A set of flags.
    Flags = 7,
    /// One of a set of names.
    Enum = 8,
    /// Number or address, depending on a command in another argument.
    Sub = 9,
    /// Pointer to a NUL-terminated string.
    Str = 10,
    /// Pointer to a NUL-terminated file name.
    Path = 11,
    /// Pointer to a null-terminated vector of strings.
    Strings = 12,
    /// Pointer to bytes without structure.
    Bytes = 13,
    /// Pointer to one object: a structure or a number.
    Struct = 14,
    /// Pointer to a counted row of objects.
    Array = 15,
    /// Pointer to objects that point to further memory (`iovec`, `msghdr`).
    Vector = 16,
    /// Pointer to a socket address.
    Sockaddr = 17,
    /// Third argument of `ioctl`: direction and size are in the command's number.
    Ioc = 18,
    /// Reserved: must be zero.
    Zero = 19,
    /// Not used by the call.
    Void = 20,
    /// Permission bits and kind of a file.
    Mode = 21,
    /// A position in a file.
    Off = 22,
    /// The number of a signal.
    Signal = 23,
}

impl Class {
    /// Every class, in order of code.
    pub const ALL: [Class; 24] = [
        Class::Int,
        Class::Size,
        Class::Fd,
        Class::AtFd,
        Class::Pid,
        Class::Id,
        Class::Addr,
        Class::Flags,
        Class::Enum,
        Class::Sub,
        Class::Str,
        Class::Path,
        Class::Strings,
        Class::Bytes,
        Class::Struct,
        Class::Array,
        Class::Vector,
        Class::Sockaddr,
        Class::Ioc,
        Class::Zero,
        Class::Void,
        Class::Mode,
        Class::Off,
        Class::Signal,
    ];

    /// The number that stands for it.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The class with that number.
    pub fn from_code(code: u8) -> Option<Class> {
        Class::ALL.get(usize::from(code)).copied()
    }

    /// True when the argument is a pointer whose target the table describes.
    pub fn is_pointer(self) -> bool {
        (Class::Str.code()..=Class::Sockaddr.code()).contains(&self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_up_and_read_back() {
        for (code, class) in (0..).zip(Class::ALL) {
            assert_eq!(class.code(), code);
            assert_eq!(Class::from_code(code), Some(class));
        }
        assert_eq!(Class::from_code(24), None);
    }

    #[test]
    fn ioctl_argument_is_no_pointer_before_the_command_is_known() {
        assert!(Class::Str.is_pointer() && Class::Sockaddr.is_pointer());
        assert!(!Class::Ioc.is_pointer() && !Class::Sub.is_pointer() && !Class::Addr.is_pointer());
    }
}
