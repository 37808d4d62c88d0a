// SPDX-License-Identifier: MIT
pragma solidity =0.7.6;
pragma abicoder v2;

import "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import "@uniswap/v3-core/contracts/interfaces/IUniswapV3Factory.sol";
import "@uniswap/v3-core/contracts/interfaces/IUniswapV3Pool.sol";

/// Swaps for whoever approved it: the one router call that the rig makes. It trusts every pool, so it is for tests only.
contract PancakeSwapper {
    struct ExactInputSingleParams {
        address tokenIn;
        address tokenOut;
        uint24 fee;
        address recipient;
        uint256 deadline;
        uint256 amountIn;
        uint256 amountOutMinimum;
        uint160 sqrtPriceLimitX96;
    }

    IUniswapV3Factory private immutable factory;

    constructor(address factory_, address) {
        factory = IUniswapV3Factory(factory_);
    }

    function exactInputSingle(ExactInputSingleParams calldata wanted) external payable returns (uint256) {
        bool zeroForOne = wanted.tokenIn < wanted.tokenOut;
        IUniswapV3Pool pool = IUniswapV3Pool(factory.getPool(wanted.tokenIn, wanted.tokenOut, wanted.fee));
        (int256 amount0, int256 amount1) =
            pool.swap(
                wanted.recipient,
                zeroForOne,
                int256(wanted.amountIn),
                wanted.sqrtPriceLimitX96,
                abi.encode(wanted.tokenIn, msg.sender)
            );
        return uint256(-(zeroForOne ? amount1 : amount0));
    }

    function pancakeV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        (address token, address payer) = abi.decode(data, (address, address));
        IERC20(token).transferFrom(payer, msg.sender, uint256(amount0 > 0 ? amount0 : amount1));
    }
}
