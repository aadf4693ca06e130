"""`python -m explain.training`: see explain.demo.training."""

from explain.demo.training import main
from explain.models.allocator import restart_keeping_memory

if __name__ == "__main__":
    restart_keeping_memory()
    main()
