// SPDX-License-Identifier: Apache-2.0
// Block RAM and multiplier of ECP5, as far as Yosys' netlists use them.
//
// The vendor's cells in Yosys' own cells_sim.v leave these two empty. What stands here is this project's reading of how
// Yosys maps memories and products to them (its brams_map.v and dsp_map.v), not the vendor's models: synchronous true
// dual-port memory of 18 kbit, 1 to 18 bits wide, or 36 with one port that writes and one that reads, without output
// registers; a multiplier without registers, signed or unsigned per operand. tests/netlist/blocks_tb.v holds them to
// plain memories and products.

`default_nettype none
/* verilator lint_off DECLFILENAME */
/* verilator lint_off UNUSED */
module DP16KD (
  input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
    DIA1, DIA0,
  input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input wire CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
    DOA2, DOA1, DOA0,
  input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    DIB1, DIB0,
  input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input wire CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
    DOB2, DOB1, DOB0
);
  parameter [319:0] INITVAL_00 = 320'd0;
  parameter [319:0] INITVAL_01 = 320'd0;
  parameter [319:0] INITVAL_02 = 320'd0;
  parameter [319:0] INITVAL_03 = 320'd0;
  parameter [319:0] INITVAL_04 = 320'd0;
  parameter [319:0] INITVAL_05 = 320'd0;
  parameter [319:0] INITVAL_06 = 320'd0;
  parameter [319:0] INITVAL_07 = 320'd0;
  parameter [319:0] INITVAL_08 = 320'd0;
  parameter [319:0] INITVAL_09 = 320'd0;
  parameter [319:0] INITVAL_0A = 320'd0;
  parameter [319:0] INITVAL_0B = 320'd0;
  parameter [319:0] INITVAL_0C = 320'd0;
  parameter [319:0] INITVAL_0D = 320'd0;
  parameter [319:0] INITVAL_0E = 320'd0;
  parameter [319:0] INITVAL_0F = 320'd0;
  parameter [319:0] INITVAL_10 = 320'd0;
  parameter [319:0] INITVAL_11 = 320'd0;
  parameter [319:0] INITVAL_12 = 320'd0;
  parameter [319:0] INITVAL_13 = 320'd0;
  parameter [319:0] INITVAL_14 = 320'd0;
  parameter [319:0] INITVAL_15 = 320'd0;
  parameter [319:0] INITVAL_16 = 320'd0;
  parameter [319:0] INITVAL_17 = 320'd0;
  parameter [319:0] INITVAL_18 = 320'd0;
  parameter [319:0] INITVAL_19 = 320'd0;
  parameter [319:0] INITVAL_1A = 320'd0;
  parameter [319:0] INITVAL_1B = 320'd0;
  parameter [319:0] INITVAL_1C = 320'd0;
  parameter [319:0] INITVAL_1D = 320'd0;
  parameter [319:0] INITVAL_1E = 320'd0;
  parameter [319:0] INITVAL_1F = 320'd0;
  parameter [319:0] INITVAL_20 = 320'd0;
  parameter [319:0] INITVAL_21 = 320'd0;
  parameter [319:0] INITVAL_22 = 320'd0;
  parameter [319:0] INITVAL_23 = 320'd0;
  parameter [319:0] INITVAL_24 = 320'd0;
  parameter [319:0] INITVAL_25 = 320'd0;
  parameter [319:0] INITVAL_26 = 320'd0;
  parameter [319:0] INITVAL_27 = 320'd0;
  parameter [319:0] INITVAL_28 = 320'd0;
  parameter [319:0] INITVAL_29 = 320'd0;
  parameter [319:0] INITVAL_2A = 320'd0;
  parameter [319:0] INITVAL_2B = 320'd0;
  parameter [319:0] INITVAL_2C = 320'd0;
  parameter [319:0] INITVAL_2D = 320'd0;
  parameter [319:0] INITVAL_2E = 320'd0;
  parameter [319:0] INITVAL_2F = 320'd0;
  parameter [319:0] INITVAL_30 = 320'd0;
  parameter [319:0] INITVAL_31 = 320'd0;
  parameter [319:0] INITVAL_32 = 320'd0;
  parameter [319:0] INITVAL_33 = 320'd0;
  parameter [319:0] INITVAL_34 = 320'd0;
  parameter [319:0] INITVAL_35 = 320'd0;
  parameter [319:0] INITVAL_36 = 320'd0;
  parameter [319:0] INITVAL_37 = 320'd0;
  parameter [319:0] INITVAL_38 = 320'd0;
  parameter [319:0] INITVAL_39 = 320'd0;
  parameter [319:0] INITVAL_3A = 320'd0;
  parameter [319:0] INITVAL_3B = 320'd0;
  parameter [319:0] INITVAL_3C = 320'd0;
  parameter [319:0] INITVAL_3D = 320'd0;
  parameter [319:0] INITVAL_3E = 320'd0;
  parameter [319:0] INITVAL_3F = 320'd0;
  parameter INIT_DATA = "STATIC";
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter GSR = "AUTO";

  // 1024 words of 18 bits. Narrower words lie in them from the lowest bit up, in halves of 9.
  reg [17:0] words_q [0:1023];

  // What the generated netlists do not use is refused.
  initial begin
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB") begin
      $display("DP16KD: a mode without a model");
      $finish;
    end
  end

  // An asynchronous reset may be there, but not be used.
  always @(posedge CLKA) if (RESETMODE != "SYNC" && (RSTA || RSTB)) begin
    $display("DP16KD: an asynchronous reset without a model");
    $finish;
  end

  integer k;
  initial for (k = 0; k < 16; k = k + 1) begin
    words_q[0 + k] = INITVAL_00[20*k+:18];
    words_q[16 + k] = INITVAL_01[20*k+:18];
    words_q[32 + k] = INITVAL_02[20*k+:18];
    words_q[48 + k] = INITVAL_03[20*k+:18];
    words_q[64 + k] = INITVAL_04[20*k+:18];
    words_q[80 + k] = INITVAL_05[20*k+:18];
    words_q[96 + k] = INITVAL_06[20*k+:18];
    words_q[112 + k] = INITVAL_07[20*k+:18];
    words_q[128 + k] = INITVAL_08[20*k+:18];
    words_q[144 + k] = INITVAL_09[20*k+:18];
    words_q[160 + k] = INITVAL_0A[20*k+:18];
    words_q[176 + k] = INITVAL_0B[20*k+:18];
    words_q[192 + k] = INITVAL_0C[20*k+:18];
    words_q[208 + k] = INITVAL_0D[20*k+:18];
    words_q[224 + k] = INITVAL_0E[20*k+:18];
    words_q[240 + k] = INITVAL_0F[20*k+:18];
    words_q[256 + k] = INITVAL_10[20*k+:18];
    words_q[272 + k] = INITVAL_11[20*k+:18];
    words_q[288 + k] = INITVAL_12[20*k+:18];
    words_q[304 + k] = INITVAL_13[20*k+:18];
    words_q[320 + k] = INITVAL_14[20*k+:18];
    words_q[336 + k] = INITVAL_15[20*k+:18];
    words_q[352 + k] = INITVAL_16[20*k+:18];
    words_q[368 + k] = INITVAL_17[20*k+:18];
    words_q[384 + k] = INITVAL_18[20*k+:18];
    words_q[400 + k] = INITVAL_19[20*k+:18];
    words_q[416 + k] = INITVAL_1A[20*k+:18];
    words_q[432 + k] = INITVAL_1B[20*k+:18];
    words_q[448 + k] = INITVAL_1C[20*k+:18];
    words_q[464 + k] = INITVAL_1D[20*k+:18];
    words_q[480 + k] = INITVAL_1E[20*k+:18];
    words_q[496 + k] = INITVAL_1F[20*k+:18];
    words_q[512 + k] = INITVAL_20[20*k+:18];
    words_q[528 + k] = INITVAL_21[20*k+:18];
    words_q[544 + k] = INITVAL_22[20*k+:18];
    words_q[560 + k] = INITVAL_23[20*k+:18];
    words_q[576 + k] = INITVAL_24[20*k+:18];
    words_q[592 + k] = INITVAL_25[20*k+:18];
    words_q[608 + k] = INITVAL_26[20*k+:18];
    words_q[624 + k] = INITVAL_27[20*k+:18];
    words_q[640 + k] = INITVAL_28[20*k+:18];
    words_q[656 + k] = INITVAL_29[20*k+:18];
    words_q[672 + k] = INITVAL_2A[20*k+:18];
    words_q[688 + k] = INITVAL_2B[20*k+:18];
    words_q[704 + k] = INITVAL_2C[20*k+:18];
    words_q[720 + k] = INITVAL_2D[20*k+:18];
    words_q[736 + k] = INITVAL_2E[20*k+:18];
    words_q[752 + k] = INITVAL_2F[20*k+:18];
    words_q[768 + k] = INITVAL_30[20*k+:18];
    words_q[784 + k] = INITVAL_31[20*k+:18];
    words_q[800 + k] = INITVAL_32[20*k+:18];
    words_q[816 + k] = INITVAL_33[20*k+:18];
    words_q[832 + k] = INITVAL_34[20*k+:18];
    words_q[848 + k] = INITVAL_35[20*k+:18];
    words_q[864 + k] = INITVAL_36[20*k+:18];
    words_q[880 + k] = INITVAL_37[20*k+:18];
    words_q[896 + k] = INITVAL_38[20*k+:18];
    words_q[912 + k] = INITVAL_39[20*k+:18];
    words_q[928 + k] = INITVAL_3A[20*k+:18];
    words_q[944 + k] = INITVAL_3B[20*k+:18];
    words_q[960 + k] = INITVAL_3C[20*k+:18];
    words_q[976 + k] = INITVAL_3D[20*k+:18];
    words_q[992 + k] = INITVAL_3E[20*k+:18];
    words_q[1008 + k] = INITVAL_3F[20*k+:18];
  end

  // Bit in its word at which an entry begins.
  function [4:0] first;
    input integer width;
    input [3:0] address;
    case (width)
      1: first = {2'd0, address[2:0]} + (address[3] ? 5'd9 : 5'd0);
      2: first = {2'd0, address[2:1], 1'b0} + (address[3] ? 5'd9 : 5'd0);
      4: first = {2'd0, address[2], 2'b00} + (address[3] ? 5'd9 : 5'd0);
      9: first = address[3] ? 5'd9 : 5'd0;
      default: first = 5'd0;
    endcase
  endfunction

  // Which bits a port sees, and, with 18 of them, which halves it writes.
  function [17:0] mask;
    input integer width;
    input [3:0] address;
    mask = (width == 18) ? {{9{address[1]}}, {9{address[0]}}} : ((18'd1 << width) - 18'd1) << first(width, address);
  endfunction

  wire [17:0] data_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0};
  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  // 36 bits: an even word, and the odd one behind it; port A writes with the data of both, port B reads into both.
  wire [17:0] data_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] even_a = words_q[{address_a[13:5], 1'b0}], odd_a = words_q[{address_a[13:5], 1'b1}];
  wire [17:0] even_mask = {{9{address_a[1]}}, {9{address_a[0]}}}, odd_mask = {{9{address_a[3]}}, {9{address_a[2]}}};
  reg [17:0] lower_q, upper_q;
  always @(posedge CLKB) begin
    if (RSTB) {upper_q, lower_q} <= 36'd0;
    else if (CEB && !WEB)
      {upper_q, lower_q} <= {words_q[{address_b[13:5], 1'b1}], words_q[{address_b[13:5], 1'b0}]};
  end

  wire [17:0] mask_a = mask(DATA_WIDTH_A, address_a[3:0]);
  wire [17:0] old_a = words_q[address_a[13:4]];
  wire [17:0] new_a = (old_a & ~mask_a) | ((data_a << first(DATA_WIDTH_A, address_a[3:0])) & mask_a);
  wire [17:0] shown_a = (WRITEMODE_A == "WRITETHROUGH" && WEA) ? new_a : old_a;
  reg [17:0] out_a_q;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0} = (DATA_WIDTH_B == 36) ? lower_q : out_a_q;
  always @(posedge CLKA) begin
    if (CEA && WEA && DATA_WIDTH_A == 36) begin
      words_q[{address_a[13:5], 1'b0}] <= (even_a & ~even_mask) | (data_a & even_mask);
      words_q[{address_a[13:5], 1'b1}] <= (odd_a & ~odd_mask) | (data_b & odd_mask);
    end else if (CEA && WEA) words_q[address_a[13:4]] <= new_a;
    if (RSTA) out_a_q <= 18'd0;
    else if (CEA && (WRITEMODE_A != "NORMAL" || !WEA))
      out_a_q <= shown_a >> first(DATA_WIDTH_A, address_a[3:0]);
  end

  wire [17:0] mask_b = mask(DATA_WIDTH_B, address_b[3:0]);
  wire [17:0] old_b = words_q[address_b[13:4]];
  wire [17:0] new_b = (old_b & ~mask_b) | ((data_b << first(DATA_WIDTH_B, address_b[3:0])) & mask_b);
  wire [17:0] shown_b = (WRITEMODE_B == "WRITETHROUGH" && WEB) ? new_b : old_b;
  reg [17:0] out_b_q;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    DOB1, DOB0} = (DATA_WIDTH_B == 36) ? upper_q : out_b_q;
  always @(posedge CLKB) begin
    if (CEB && WEB) words_q[address_b[13:4]] <= new_b;
    if (RSTB) out_b_q <= 18'd0;
    else if (CEB && (WRITEMODE_B != "NORMAL" || !WEB))
      out_b_q <= shown_b >> first(DATA_WIDTH_B, address_b[3:0]);
  end

endmodule

module MULT18X18D (
  input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input wire CLK3, CLK2, CLK1, CLK0,
  input wire CE3, CE2, CE1, CE0,
  input wire RST3, RST2, RST1, RST0,
  input wire SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8, SRIA7, SRIA6, SRIA5,
    SRIA4, SRIA3, SRIA2, SRIA1, SRIA0,
  input wire SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9, SRIB8, SRIB7, SRIB6, SRIB5,
    SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
  output wire SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5,
    SROA4, SROA3, SROA2, SROA1, SROA0,
  output wire SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9, SROB8, SROB7, SROB6, SROB5,
    SROB4, SROB3, SROB2, SROB1, SROB0,
  output wire ROA17, ROA16, ROA15, ROA14, ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6, ROA5, ROA4, ROA3,
    ROA2, ROA1, ROA0,
  output wire ROB17, ROB16, ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6, ROB5, ROB4, ROB3,
    ROB2, ROB1, ROB0,
  output wire ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6, ROC5, ROC4, ROC3,
    ROC2, ROC1, ROC0,
  output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
    P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0,
  output wire SIGNEDP
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE";
  parameter REG_INPUTC_CE = "CE0";
  parameter REG_INPUTC_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_PIPELINE_CE = "CE0";
  parameter REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED";
  parameter CLK1_DIV = "ENABLED";
  parameter CLK2_DIV = "ENABLED";
  parameter CLK3_DIV = "ENABLED";
  parameter HIGHSPEED_CLK = "NONE";
  parameter GSR = "ENABLED";
  parameter CAS_MATCH_REG = "FALSE";
  parameter SOURCEB_MODE = "B_SHIFT";
  parameter MULT_BYPASS = "DISABLED";
  parameter RESETMODE = "SYNC";

  initial begin
    if (REG_INPUTA_CLK != "NONE" || REG_INPUTB_CLK != "NONE" || REG_PIPELINE_CLK != "NONE" ||
        (REG_OUTPUT_CLK != "NONE" && (REG_OUTPUT_CLK != "CLK0" || REG_OUTPUT_CE != "CE0" ||
                                      REG_OUTPUT_RST != "RST0" || RESETMODE != "SYNC"))) begin
      $display("MULT18X18D: a mode without a model");
      $finish;
    end
  end

  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [36:0] wide_a = $signed({{19{SIGNEDA && a[17]}}, a});
  wire signed [36:0] wide_b = $signed({{19{SIGNEDB && b[17]}}, b});
  wire signed [36:0] product = wide_a * wide_b;
  reg [35:0] product_q;
  initial product_q = 36'd0;
  always @(posedge CLK0) begin
    if (RST0) product_q <= 36'd0;
    else if (CE0) product_q <= product[35:0];
  end
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} =
    (REG_OUTPUT_CLK == "NONE") ? product[35:0] : product_q;
  assign {SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5, SROA4,
    SROA3, SROA2, SROA1, SROA0} = 18'd0;
  assign {SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9, SROB8, SROB7, SROB6, SROB5, SROB4,
    SROB3, SROB2, SROB1, SROB0} = 18'd0;
  assign {ROA17, ROA16, ROA15, ROA14, ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6, ROA5, ROA4, ROA3, ROA2,
    ROA1, ROA0} = 18'd0;
  assign {ROB17, ROB16, ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6, ROB5, ROB4, ROB3, ROB2,
    ROB1, ROB0} = 18'd0;
  assign {ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6, ROC5, ROC4, ROC3, ROC2,
    ROC1, ROC0} = 18'd0;
  assign SIGNEDP = SIGNEDA || SIGNEDB;

endmodule

/* verilator lint_on UNUSED */
/* verilator lint_on DECLFILENAME */
`default_nettype wire
