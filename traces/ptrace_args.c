#include "traces/ptrace_args.h"

/* The arguments of calls by name: those that are 0 are not printed. */
static const char *const names[RAW_NSYS] = {
	[RAW_SYS_READ] = "fd,buf,count",
	[RAW_SYS_WRITE] = "fd,buf,count",
	[RAW_SYS_PREAD64] = "fd,buf,count,pos",
	[RAW_SYS_PWRITE64] = "fd,buf,count,pos",
	[RAW_SYS_READV] = "fd,vec,vlen",
	[RAW_SYS_WRITEV] = "fd,vec,vlen",
	[RAW_SYS_PREADV] = "fd,vec,vlen,pos_l,pos_h",
	[RAW_SYS_PWRITEV] = "fd,vec,vlen,pos_l,pos_h",
	[RAW_SYS_PREADV2] = "fd,vec,vlen,pos_l,pos_h,flags",
	[RAW_SYS_PWRITEV2] = "fd,vec,vlen,pos_l,pos_h,flags",
	[RAW_SYS_LSEEK] = "fd,offset,whence",
	[RAW_SYS_SENDFILE] = "out_fd,in_fd,offset,count",
	[RAW_SYS_SPLICE] = "fd_in,off_in,fd_out,off_out,len,flags",
	[RAW_SYS_COPY_FILE_RANGE] = "fd_in,off_in,fd_out,off_out,len,flags",
	[RAW_SYS_SENDTO] = "fd,buff,len,flags,addr,addr_len",
	[RAW_SYS_RECVFROM] = "fd,ubuf,size,flags,addr,addr_len",
	[RAW_SYS_OPEN] = "filename,flags,mode",
	[RAW_SYS_OPENAT] = "dfd,filename,flags,mode",
	[RAW_SYS_OPENAT2] = "dfd,filename,how,usize",
	[RAW_SYS_CREAT] = "pathname,mode",
	[RAW_SYS_CLOSE] = "fd",
	[RAW_SYS_CLOSE_RANGE] = "fd,max_fd,flags",
	[RAW_SYS_DUP] = "fildes",
	[RAW_SYS_DUP2] = "oldfd,newfd",
	[RAW_SYS_DUP3] = "oldfd,newfd,flags",
	[RAW_SYS_FCNTL] = "fd,cmd,arg",
	[RAW_SYS_MMAP] = "addr,len,prot,flags,fd,off",
	[RAW_SYS_MUNMAP] = "addr,len",
	[RAW_SYS_MREMAP] = "addr,old_len,new_len,flags,new_addr",
	[RAW_SYS_MPROTECT] = "start,len,prot",
	[RAW_SYS_PKEY_MPROTECT] = "start,len,prot,pkey",
	[RAW_SYS_MSYNC] = "start,len,flags",
	[RAW_SYS_MADVISE] = "start,len_in,behavior",
	[RAW_SYS_MLOCK] = "start,len",
	[RAW_SYS_MLOCK2] = "start,len,flags",
	[RAW_SYS_REMAP_FILE_PAGES] = "start,size,prot,pgoff,flags",
	[RAW_SYS_FSYNC] = "fd",
	[RAW_SYS_FDATASYNC] = "fd",
	[RAW_SYS_SYNC] = "",
	[RAW_SYS_SYNCFS] = "fd",
	[RAW_SYS_SYNC_FILE_RANGE] = "fd,offset,nbytes,flags",
	[RAW_SYS_TRUNCATE] = "path,length",
	[RAW_SYS_FTRUNCATE] = "fd,length",
	[RAW_SYS_FALLOCATE] = "fd,mode,offset,len",
	[RAW_SYS_UNLINK] = "pathname",
	[RAW_SYS_UNLINKAT] = "dfd,pathname,flag",
	[RAW_SYS_RENAME] = "oldname,newname",
	[RAW_SYS_RENAMEAT] = "olddfd,oldname,newdfd,newname",
	[RAW_SYS_RENAMEAT2] = "olddfd,oldname,newdfd,newname,flags",
	[RAW_SYS_FORK] = "",
	[RAW_SYS_VFORK] = "",
	[RAW_SYS_CLONE] = "clone_flags,newsp,parent_tidptr,child_tidptr,tls",
	[RAW_SYS_CLONE3] = "uargs,size",
	[RAW_SYS_EXECVE] = "filename,argv,envp",
	[RAW_SYS_EXECVEAT] = "fd,filename,argv,envp,flags",
	[RAW_SYS_IO_URING_SETUP] = "entries,params",
	[RAW_SYS_PROCESS_VM_READV] = "pid,lvec,liovcnt,rvec,riovcnt,flags",
	[RAW_SYS_PROCESS_VM_WRITEV] = "pid,lvec,liovcnt,rvec,riovcnt,flags",
};

/* What begins the constants that an argument is printed with. */
static const struct {
	enum raw_sysno sys;
	const char *name, *prefix;
} prefixes[] = {
	{ RAW_SYS_MMAP, "prot", "PROT_" },
	{ RAW_SYS_MMAP, "flags", "MAP_" },
	{ RAW_SYS_MREMAP, "flags", "MREMAP_" },
	{ RAW_SYS_MPROTECT, "prot", "PROT_" },
	{ RAW_SYS_PKEY_MPROTECT, "prot", "PROT_" },
	{ RAW_SYS_MSYNC, "flags", "MS_" },
	{ RAW_SYS_MADVISE, "behavior", "MADV_" },
	{ RAW_SYS_OPEN, "flags", "O_" },
	{ RAW_SYS_OPENAT, "flags", "O_" },
	{ RAW_SYS_DUP3, "flags", "O_" },
	{ RAW_SYS_FCNTL, "cmd", "F_" },
	{ RAW_SYS_FALLOCATE, "mode", "FALLOC_FL_" },
	{ RAW_SYS_UNLINKAT, "flag", "AT_" },
	{ RAW_SYS_RENAMEAT2, "flags", "RENAME_" },
	{ RAW_SYS_CLOSE_RANGE, "flags", "CLOSE_RANGE_" },
	{ RAW_SYS_CLONE, "clone_flags", "CLONE_" },
};

unsigned
ptrace_arg(enum raw_sysno sys, const struct scan *name, const char **prefixp)
{
	struct scan sc = { names[sys], names[sys] + strlen(names[sys]) };
	struct scan word;

	*prefixp = "";
	for (size_t i = 0; i < nitems(prefixes); i++)
		if (prefixes[i].sys == sys && scan_is(name, prefixes[i].name))
			*prefixp = prefixes[i].prefix;
	for (unsigned i = 0; scan_word(&sc, &word); i++) {
		if (scan_left(&word) == scan_left(name) &&
		    memcmp(word.sc_p, name->sc_p, scan_left(name)) == 0)
			return i;
		(void)scan_text(&sc, ",");
	}
	return RAW_NARGS;
}
