"""Bridges to other libraries: `interop.scipy`, `interop.dask`, `.futures` and `.joblib`, `interop.safetensors`."""
import importlib.util


def require(extra: str, *packages: str) -> None:
    """Refuse to go on without packages that come with an extra of this one; what is there is not imported yet."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"tapegrad.interop.{extra} needs {package}, which is not installed: "
                                      f"pip install 'tapegrad[{extra}]'", name=package)
