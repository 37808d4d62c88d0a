// SPDX-License-Identifier: GPL-2.0-or-later
pragma solidity =0.7.6;
pragma abicoder v2;

import "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import "@uniswap/v3-core/contracts/libraries/FixedPoint128.sol";
import "@uniswap/v3-core/contracts/libraries/FullMath.sol";
import "@uniswap/v3-periphery/contracts/base/LiquidityManagement.sol";
import "@uniswap/v3-periphery/contracts/base/Multicall.sol";
import "@uniswap/v3-periphery/contracts/base/PoolInitializer.sol";
import "@uniswap/v3-periphery/contracts/libraries/PositionKey.sol";

/// Stands in for PancakeSwap's position manager, which npm does not carry: the functions that the reader and the rig
/// call, with the same signatures, rounding and reverts, over PancakeSwap's own pools.
contract PancakeManager is ERC721, Multicall, PoolInitializer, LiquidityManagement {
    struct Position {
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
        uint256 inside0;
        uint256 inside1;
        uint128 owed0;
        uint128 owed1;
    }

    struct MintParams {
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        address recipient;
        uint256 deadline;
    }

    struct IncreaseLiquidityParams {
        uint256 tokenId;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct DecreaseLiquidityParams {
        uint256 tokenId;
        uint128 liquidity;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct CollectParams {
        uint256 tokenId;
        address recipient;
        uint128 amount0Max;
        uint128 amount1Max;
    }

    event IncreaseLiquidity(uint256 indexed tokenId, uint128 liquidity, uint256 amount0, uint256 amount1);

    mapping(uint256 => Position) private held;
    // The real manager keeps two mappings here, before the next id.
    uint256[2] private gap;
    uint176 private nextId = 1;

    constructor(address factory_, address weth) ERC721("Pancake positions", "CAKE-V3-POS") PeripheryImmutableState(factory_, weth) {}

    modifier onlyHolder(uint256 tokenId) {
        require(_isApprovedOrOwner(msg.sender, tokenId), "Not approved");
        _;
    }

    function positions(uint256 tokenId)
        external
        view
        returns (uint96, address, address, address, uint24, int24, int24, uint128, uint256, uint256, uint128, uint128)
    {
        Position memory p = held[tokenId];
        require(p.token0 != address(0), "Invalid token ID");
        return (0, address(0), p.token0, p.token1, p.fee, p.tickLower, p.tickUpper, p.liquidity, p.inside0, p.inside1, p.owed0, p.owed1);
    }

    function mint(MintParams calldata wanted)
        external
        payable
        returns (uint256 tokenId, uint128 liquidity, uint256 amount0, uint256 amount1)
    {
        tokenId = nextId++;
        _mint(wanted.recipient, tokenId);
        Position storage p = held[tokenId];
        (p.token0, p.token1, p.fee) = (wanted.token0, wanted.token1, wanted.fee);
        (p.tickLower, p.tickUpper) = (wanted.tickLower, wanted.tickUpper);
        (liquidity, amount0, amount1) = _add(p, wanted.amount0Desired, wanted.amount1Desired);
        emit IncreaseLiquidity(tokenId, liquidity, amount0, amount1);
    }

    function increaseLiquidity(IncreaseLiquidityParams calldata wanted)
        external
        payable
        returns (uint128 liquidity, uint256 amount0, uint256 amount1)
    {
        (liquidity, amount0, amount1) = _add(held[wanted.tokenId], wanted.amount0Desired, wanted.amount1Desired);
        emit IncreaseLiquidity(wanted.tokenId, liquidity, amount0, amount1);
    }

    function decreaseLiquidity(DecreaseLiquidityParams calldata wanted)
        external
        payable
        onlyHolder(wanted.tokenId)
        returns (uint256 amount0, uint256 amount1)
    {
        Position storage p = held[wanted.tokenId];
        require(wanted.liquidity > 0 && p.liquidity >= wanted.liquidity, "liquidity");
        (amount0, amount1) = _pool(p).burn(p.tickLower, p.tickUpper, wanted.liquidity);
        _credit(p);
        p.owed0 += uint128(amount0);
        p.owed1 += uint128(amount1);
        p.liquidity -= wanted.liquidity;
    }

    function collect(CollectParams calldata wanted)
        external
        payable
        onlyHolder(wanted.tokenId)
        returns (uint256 amount0, uint256 amount1)
    {
        Position storage p = held[wanted.tokenId];
        IUniswapV3Pool pool = _pool(p);
        if (p.liquidity > 0) {
            pool.burn(p.tickLower, p.tickUpper, 0);
            _credit(p);
        }
        uint128 pay0 = wanted.amount0Max < p.owed0 ? wanted.amount0Max : p.owed0;
        uint128 pay1 = wanted.amount1Max < p.owed1 ? wanted.amount1Max : p.owed1;
        (amount0, amount1) = pool.collect(wanted.recipient, p.tickLower, p.tickUpper, pay0, pay1);
        p.owed0 -= pay0;
        p.owed1 -= pay1;
    }

    function burn(uint256 tokenId) external payable onlyHolder(tokenId) {
        Position storage p = held[tokenId];
        require(p.liquidity == 0 && p.owed0 == 0 && p.owed1 == 0, "Not cleared");
        delete held[tokenId];
        _burn(tokenId);
    }

    function _add(Position storage p, uint256 most0, uint256 most1) private returns (uint128 liquidity, uint256 amount0, uint256 amount1) {
        (liquidity, amount0, amount1, ) = addLiquidity(
            AddLiquidityParams({
                token0: p.token0,
                token1: p.token1,
                fee: p.fee,
                recipient: address(this),
                tickLower: p.tickLower,
                tickUpper: p.tickUpper,
                amount0Desired: most0,
                amount1Desired: most1,
                amount0Min: 0,
                amount1Min: 0
            })
        );
        _credit(p);
        p.liquidity += liquidity;
    }

    /// Credits the fees since the position's last change, just after the pool was poked.
    function _credit(Position storage p) private {
        (, uint256 inside0, uint256 inside1, , ) =
            _pool(p).positions(PositionKey.compute(address(this), p.tickLower, p.tickUpper));
        p.owed0 += uint128(FullMath.mulDiv(inside0 - p.inside0, p.liquidity, FixedPoint128.Q128));
        p.owed1 += uint128(FullMath.mulDiv(inside1 - p.inside1, p.liquidity, FixedPoint128.Q128));
        (p.inside0, p.inside1) = (inside0, inside1);
    }

    function _pool(Position storage p) private view returns (IUniswapV3Pool) {
        return IUniswapV3Pool(IUniswapV3Factory(factory).getPool(p.token0, p.token1, p.fee));
    }
}
