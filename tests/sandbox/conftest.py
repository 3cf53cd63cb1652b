import pytest

pytest.register_assert_rewrite("contract", "contract_limits", "contract_walls", "sandbox_bench")
